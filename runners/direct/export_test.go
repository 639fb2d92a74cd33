package direct

// What bounds how far a source runs ahead.
const (
	BatchSize    = batchSize
	MailboxLimit = mailboxLimit
	StepMessages = stepMessages
)
