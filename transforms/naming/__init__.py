"""What transforms.entities is made of: the models, their decoder, and the grouping of mentions into things."""
