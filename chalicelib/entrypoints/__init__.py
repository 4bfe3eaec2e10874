"""Lambda's way in: Blueprints that parse, call a service and map errors. No logic lives here."""
