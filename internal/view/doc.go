// Package view puts into words what the other packages found and did: for people, and as documents for programs. It is the
// only one that knows the screen, and only package main imports it, so that no words can come back as data.
//
//   - Documents and tables go to standard output; warnings, errors, questions and progress to standard error.
//   - Others' texts (names of objects, messages, bytes of files) never steer the terminal: Streams escapes them, and a pen keeps
//     them on their line.
//   - Warnings that are alike are told once, with the names; what gives power is never cut (see together and warningsWords).
//
// A type with a method Print is what one command found; a Page is what all that it shows has in common. A function whose name
// ends in Words returns the words for a code or a value of another package, on one line. A table whose name ends in Texts has
// the words by code, each as a template that fill completes. A function whose name begins with likeness
// returns a value that is equal for those that are told together, and nil where nothing else is alike.
package view
