"""What every part of the shop stands on."""
