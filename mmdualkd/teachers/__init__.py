"""What teachers give, and that nothing changes them."""
