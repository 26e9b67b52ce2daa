"""The pure core of Lumen: alerts, votes, plans, guards, outcomes and names. No input or output, no clock, no environment."""
