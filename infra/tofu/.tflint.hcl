# All rules of the set that comes with the program; the sets for one cloud are downloads.
plugin "terraform" {
  enabled = true
  preset  = "all"
}
