"""The function that makes the users of a database, and gives them new passwords."""
