"""The trained model for users: predictions, expected errors, training domain."""
