"""What a number of players needs and costs: assumptions and prices as data, figures with their formulas."""
