// Package doctor judges whether the job can be done in a cluster, from what one look at it has shown. It looks at nothing itself and has no
// words: package observe gathers, and package view tells.
package doctor

import (
	"crypto/x509"
	"time"

	"provision/internal/plan"
)

// Examination is what one look at a cluster has shown.
type Examination struct {
	Server   string // the operator's own
	Username string
	Now      time.Time     // by the API server's clock
	Ahead    time.Duration // how far this machine's clock is ahead of that

	Version       string // of the API server, as v1.37.2; "": not known
	Rights        []Right
	RightsErr     error // why they are not known
	ClientCA      []*x509.Certificate
	ClientCAs     string // why the client CAs are not known; "": they are
	Signer        Signer
	SignerErr     error
	Front         bool  // the server asks for no client certificate, as an API server that takes any does
	FrontErr      error // why that is not known
	Sets          []string
	LedgerMissing bool // the namespace of the ledger is not there
	SetsErr       error
	Everywhere    bool            // the ledgers of all namespaces were looked for
	Blocks        []plan.SetBlock // what sets have blocked at admission
	BlocksErr     error
	Trial         *Trial // nil: no certificate was asked for
}

// Right is whether the operator may do all that one command nearly always takes.
type Right struct {
	Command string
	Missing []plan.Permission
}

// Signer is what the requests of the last hour show of the signer for client certificates.
type Signer struct {
	Issued    int
	Last      time.Time     // when the last was issued, about; zero: none was
	Waiting   int           // approved, and not issued for a minute and more
	Since     time.Time     // when the first of these was made
	Asked     time.Duration // the life that one was asked for and did not get; 0: all got theirs
	Shortened time.Duration // the one that it got
}

// Trial is how a request for a certificate of ten minutes ended.
type Trial struct {
	Err    error         // why there is none
	Step   Step          // that failed, or the last
	Took   time.Duration // from the approval to the certificate
	Life   time.Duration // that it has
	Asked  time.Duration
	Login  error // why the API server does not take it; nil: it does
	LeftBy error // why the request could not be deleted afterwards
	// Certificate is what was issued, in PEM.
	Certificate []byte
}

// Step is one of a trial.
type Step string

// Steps of a trial.
const (
	Ask    Step = "ask"    // for the certificate, and approve that
	Await  Step = "await"  // the signer
	LogIn  Step = "log in" // with it
	Passed Step = "passed"
)

// Check is what one finding is about.
type Check string

// Checks, in the order in which they are told.
const (
	Version  Check = "version"
	Rights   Check = "rights"
	ClientCA Check = "clientCA"
	SignerOf Check = "signer"
	TrialOf  Check = "trial"
	Front    Check = "front"
	Address  Check = "address"
	Clock    Check = "clock"
	Sets     Check = "sets"
	Blocks   Check = "blocks"
)

// Result is how a check ended.
type Result string

// Results.
const (
	OK      Result = "ok"
	Warning Result = "warning" // an apply goes on, and somebody should know
	Failure Result = "error"   // an apply would fail, or do what nobody wants
	Unknown Result = "unknown"
)

// Code is what was found.
type Code string

// Findings, with the fields of Examination that they are about.
const (
	Fine          Code = "Fine"
	NotKnown      Code = "NotKnown"    // Err
	TooOld        Code = "TooOld"      // Version
	CannotBlock   Code = "CannotBlock" // Version
	Lacks         Code = "Lacks"       // Right
	CAEnded       Code = "CAEnded"     // CA
	CAEnds        Code = "CAEnds"      // CA: soon
	NoClientCA    Code = "NoClientCA"
	SeveralCAs    Code = "SeveralCAs"
	SignerStands  Code = "SignerStands" // approved requests wait
	SignerCaps    Code = "SignerCaps"   // it shortens lives
	SignerUnseen  Code = "SignerUnseen" // nothing was asked for lately
	TrialFailed   Code = "TrialFailed"
	TrialRefused  Code = "TrialRefused" // at login
	TrialShort    Code = "TrialShort"
	TrialLeft     Code = "TrialLeft" // its request is still there
	EndsTLS       Code = "EndsTLS"
	OnlyHere      Code = "OnlyHere"
	ClockDiffers  Code = "ClockDiffers"
	NotEverywhere Code = "NotEverywhere"
	BlockAltered  Code = "BlockAltered" // Set
)

// Finding is what one check has found.
type Finding struct {
	Check  Check
	Result Result
	Code   Code
	Right  Right             // of Rights
	CA     *x509.Certificate // of ClientCA
	Set    string            // of Blocks
	Err    error             // of NotKnown
}
