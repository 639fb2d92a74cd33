package shipping

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/checkpoint"
	"github.com/millrace/millrace/objectstore"
)

const (
	identityName      = "MILLRACE"
	claimsPrefix      = "claims/"
	objectsPrefix     = "objects/"
	checkpointsPrefix = "checkpoints/"

	// format is that of all that is written here but the files themselves.
	format = 1
)

// An identity says whose a prefix is.
type identity struct {
	Format int    `json:"format"`
	ID     string `json:"id"`
}

// A claim says who ships. The token is in a note of the state directory.
type claim struct {
	Format int       `json:"format"`
	Token  string    `json:"token"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
}

// A listed checkpoint is what an object below checkpoints is of.
type listed struct {
	Format     int       `json:"format"`
	ID         string    `json:"id"` // of the prefix
	Claim      uint64    `json:"claim"`
	Checkpoint uint64    `json:"checkpoint"`
	Savepoint  string    `json:"savepoint,omitempty"`
	Created    time.Time `json:"created"`
	Finished   bool      `json:"finished,omitempty"`
	// Committed says that the sinks had committed what they prepared for it.
	Committed bool         `json:"committed,omitempty"`
	Files     []listedFile `json:"files"`
}

// A listedFile is a file of a checkpoint, and the object that it is in.
type listedFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	Sum    string `json:"sha256"`
	Object string `json:"object"`
}

func (l *listed) name() string {
	name := fmt.Sprintf("%s%012d-%012d", checkpointsPrefix, l.Claim, l.Checkpoint)
	if l.Savepoint != "" {
		name += "-" + l.Savepoint
	}
	return name
}

var (
	claimPattern      = regexp.MustCompile(`^claims/(\d{12})$`)
	objectPattern     = regexp.MustCompile(`^objects/(\d{12})/[0-9a-f]{64}$`)
	checkpointPattern = regexp.MustCompile(`^checkpoints/(\d{12})-(\d{12})(?:-([A-Za-z0-9][A-Za-z0-9._-]{0,99}))?$`)
)

func claimName(n uint64) string { return fmt.Sprintf("%s%012d", claimsPrefix, n) }

func objectName(claim uint64, sum string) string {
	return fmt.Sprintf("%s%012d/%s", objectsPrefix, claim, sum)
}

// number is a number of up to twelve digits.
func number(digits string) uint64 {
	n, _ := strconv.ParseUint(digits, 10, 64)
	return n
}

// seal is v as it is written: JSON, and in a line of its own the sum of it.
func seal(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return nil, err
	}
	b = append(b, '\n')
	return append(b, sumOf(b)+"\n"...), nil
}

// damaged is what is wrong with an object, and will be so the next time.
type damaged struct{ error }

func (e damaged) Unwrap() error { return e.error }

// unseal reads what seal made.
func unseal(name string, b []byte, v any) error {
	const sumLen = 2*sha256.Size + 1
	if len(b) < sumLen || sumOf(b[:len(b)-sumLen])+"\n" != string(b[len(b)-sumLen:]) {
		return damaged{fmt.Errorf("%s is damaged: its checksum does not hold", name)}
	}
	var head struct{ Format int }
	if err := json.Unmarshal(b[:len(b)-sumLen], &head); err != nil {
		return damaged{fmt.Errorf("%s is damaged: %w", name, err)}
	}
	if head.Format > format {
		return fmt.Errorf("%w: %s has format %d, and this one reads formats up to %d; run the newer version", checkpoint.ErrNewer, name, head.Format, format)
	}
	if err := json.Unmarshal(b[:len(b)-sumLen], v); err != nil {
		return damaged{fmt.Errorf("%s is damaged: %w", name, err)}
	}
	return nil
}

func sumOf(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// A prefix is the part of a bucket that belongs to one line of checkpoints.
type prefix struct {
	objectstore.Bucket
	url string // for messages
}

// read reads an object whole.
func (p prefix) read(ctx context.Context, name string) ([]byte, error) {
	r, err := p.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	return b, errors.Join(err, r.Close())
}

func (p prefix) readSealed(ctx context.Context, name string, v any) error {
	b, err := p.read(ctx, name)
	if err != nil {
		return err
	}
	return unseal(name, b, v)
}

func (p prefix) put(ctx context.Context, name string, v any) error {
	b, err := seal(v)
	if err != nil {
		return err
	}
	return p.Put(ctx, name, bytes.NewReader(b))
}

func (p prefix) create(ctx context.Context, name string, v any) error {
	b, err := seal(v)
	if err != nil {
		return err
	}
	return p.Create(ctx, name, b)
}

// identity is whose the prefix is; "" is nobody's yet. One that others use is refused.
func (p prefix) identity(ctx context.Context) (string, error) {
	var id identity
	err := p.readSealed(ctx, identityName, &id)
	var damage damaged
	switch {
	case err == nil && id.ID == "":
		return "", fmt.Errorf("%w: its %s says nothing", ErrForeign, identityName)
	case err == nil:
		return id.ID, nil
	case errors.As(err, &damage):
		return "", fmt.Errorf("%w: %w, or another's", ErrForeign, err)
	case !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	for o, err := range p.List(ctx, "") {
		if err != nil {
			return "", err
		}
		if o.Name == identityName { // since
			return p.identity(ctx)
		}
		return "", fmt.Errorf("%w, and has objects of others, such as %s; name another prefix", ErrForeign, o.Name)
	}
	return "", nil
}

// highestClaim is that of who ships; nil if nobody does.
func (p prefix) highestClaim(ctx context.Context) (n uint64, c *claim, err error) {
	for o, err := range p.List(ctx, claimsPrefix) {
		if err != nil {
			return 0, nil, err
		}
		if m := claimPattern.FindStringSubmatch(o.Name); m != nil {
			n = max(n, number(m[1]))
		}
	}
	if n == 0 {
		return 0, nil, nil
	}
	c = new(claim)
	err = p.readSealed(ctx, claimName(n), c)
	var damage damaged
	if errors.As(err, &damage) {
		return n, &claim{By: "a process that cannot be told"}, nil
	}
	return n, c, err
}

// lists are the names of the checkpoints, newest first.
func (p prefix) lists(ctx context.Context) (names []string, err error) {
	for o, err := range p.List(ctx, checkpointsPrefix) {
		if err != nil {
			return nil, err
		}
		if checkpointPattern.MatchString(o.Name) {
			names = append(names, o.Name)
		}
	}
	sortNewestFirst(names)
	return names, nil
}

// list reads what a checkpoint consists of.
func (p prefix) list(ctx context.Context, name string) (*listed, error) {
	var l listed
	err := p.readSealed(ctx, name, &l)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, damaged{fmt.Errorf("%s is missing", name)}
	case err != nil:
		return nil, err
	case l.name() != name:
		return nil, damaged{fmt.Errorf("%s is the list of %s", name, l.name())}
	}
	for _, f := range l.Files {
		if !objectPattern.MatchString(f.Object) || !strings.HasSuffix(f.Object, "/"+f.Sum) {
			return nil, damaged{fmt.Errorf("%s has the file %s in an object %s", name, f.Name, f.Object)}
		}
	}
	return &l, nil
}

// objects are the sizes of all files that were shipped.
func (p prefix) objects(ctx context.Context) (map[string]int64, error) {
	sizes := map[string]int64{}
	for o, err := range p.List(ctx, objectsPrefix) {
		if err != nil {
			return nil, err
		}
		if objectPattern.MatchString(o.Name) {
			sizes[o.Name] = o.Size
		}
	}
	return sizes, nil
}

// whole says what of l is missing, by the objects that there are.
func (l *listed) whole(sizes map[string]int64) error {
	for _, f := range l.Files {
		size, ok := sizes[f.Object]
		switch {
		case !ok:
			return damaged{fmt.Errorf("its file %s is missing, %s", f.Name, f.Object)}
		case size != f.Size:
			return damaged{fmt.Errorf("its file %s has %d bytes instead of %d, %s", f.Name, size, f.Size, f.Object)}
		}
	}
	return nil
}
