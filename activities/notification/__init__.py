"""How people follow an episode in Slack: what a message says, where it stands, and what happens when Slack is away."""
