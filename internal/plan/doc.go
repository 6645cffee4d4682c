// Package plan decides: it compares what the users file asks for with what was observed, and says what has to
// change and why.
//
//	usersfile.Set --Expand--> Desired --Compute(Desired, Observed, now)--> Plan
//
// Everything here is pure. No file, no client, no clock, no randomness and no words for the screen: the same input
// gives the same Plan, whatever the order of the input. A Plan holds public facts only (public key hashes, subjects,
// times), never a private key, so printing or saving one cannot leak one.
//
// A new feature is a new way to make a Plan, not a new way to change things: only package apply changes anything.
package plan
