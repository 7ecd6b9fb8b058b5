"""What transforms.fetch is made of: whose turn it is, whom to dial, what to take, when to stop."""
