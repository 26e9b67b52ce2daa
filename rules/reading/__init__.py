"""From a document with positions to checked values: every problem becomes a finding, none stops the reading."""
