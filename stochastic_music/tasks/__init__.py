"""What models are fitted for besides inventing pieces: each task takes scores and gives scores, or facts about them."""
