package usersfile

// OwnRequest is a request for a certificate that its owner has made, with a key that nobody else has.
type OwnRequest struct {
	PEM          []byte // CERTIFICATE REQUEST
	KeyHash      string // hex SHA-256 of the public key
	KeyAlgorithm KeyAlgorithm
}
