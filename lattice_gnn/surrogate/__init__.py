"""The trained model as users see it: predictions, expected errors, training domain."""
