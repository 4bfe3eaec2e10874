"""What ``bench.cold_start`` starts interpreters with."""
