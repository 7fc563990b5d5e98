"""What files say before anything runs: findings of static checks, and which of them are lived with."""
