"""What is learned from: data sets, built in or a person's own, each of them bytes with one fingerprint."""
