"""What all targets share on which there is a POSIX shell at the end of a line: hosts, containers, pods."""
