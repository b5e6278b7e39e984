"""The historical mistakes, kept to show that the tests would see them."""
