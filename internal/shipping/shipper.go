package shipping

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/checkpoint"
	"github.com/millrace/millrace/objectstore"
)

var (
	// ErrForeign: the prefix has objects of others.
	ErrForeign = errors.New("it holds no checkpoints of a pipeline")
	// ErrAnother: the checkpoints there are not those of this state directory.
	ErrAnother = errors.New("it holds the checkpoints of another state directory")
	// ErrFenced: another has taken over.
	ErrFenced = errors.New("another process has gone on from the checkpoints there, and ships to it")
)

// Refused reports whether err says that trying again is of no use.
func Refused(err error) bool {
	for _, refused := range []error{ErrForeign, ErrAnother, ErrFenced, checkpoint.ErrNewer, objectstore.ErrUnknown} {
		if errors.Is(err, refused) {
			return true
		}
	}
	return false
}

// NoteName is the name of the note in a state directory.
const NoteName = "SHIPPING"

// Notes are those of a state directory.
type Notes interface {
	Note(name string) ([]byte, error)
	SetNote(name string, content []byte) error
}

// A note says to where a state directory ships, and by which claims.
type note struct {
	ID     string   `json:"id"`     // of the prefix
	Tokens []string `json:"tokens"` // of claims that were made with it; the last may have failed
}

// Options are what a [Shipper] may be told.
type Options struct {
	Retain int    // how many checkpoints are kept, savepoints not counted; 0 is 2
	By     string // who ships, for the messages of others
	Now    func() time.Time
}

// A Shipper ships checkpoints, and owns the prefix until another claims it. It is used by
// one goroutine at a time.
type Shipper struct {
	prefix
	o     Options
	id    string
	token string
	claim uint64 // 0: not claimed yet
	// objects are the names of those that are in the bucket, by their sums: what the newest
	// checkpoint has, and what was shipped since.
	objects map[string]string
	sums    map[uint64]string // by the identity of a table
	fenced  error
}

// NewShipper ships to a bucket, which it does not close.
func NewShipper(b objectstore.Bucket, url string, o Options) *Shipper {
	if o.Retain <= 0 {
		o.Retain = 2
	}
	return &Shipper{prefix: prefix{b, url}, o: o, token: rand.Text(), sums: map[uint64]string{}}
}

// Claim makes the prefix that of the state directory with these notes, unless it is
// another's. It is called before the first Ship, and again after an error that is not
// [Refused].
func (s *Shipper) Claim(ctx context.Context, notes Notes) error {
	return s.wrap("claiming it", s.claimFor(ctx, notes))
}

func (s *Shipper) claimFor(ctx context.Context, notes Notes) error {
	if s.fenced != nil {
		return s.fenced
	}
	if s.claim > 0 {
		return nil
	}
	own, err := readNote(notes)
	if err != nil {
		return err
	}
	id, err := s.identity(ctx)
	if err != nil {
		return err
	}
	if id == "" {
		// The note comes first, or a crash would leave a prefix that is nobody's.
		if own.ID == "" {
			own = note{ID: rand.Text()}
		}
		if err := own.write(notes, s.token); err != nil {
			return err
		}
		if err := s.create(ctx, identityName, identity{format, own.ID}); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if id, err = s.identity(ctx); err != nil {
			return err
		}
	}
	if id != own.ID {
		return fmt.Errorf("%w; go on from those, in an empty state directory, or name another prefix", ErrAnother)
	}
	highest, holder, err := s.highestClaim(ctx)
	if err != nil {
		return err
	}
	if holder != nil && !slices.Contains(own.Tokens, holder.Token) {
		s.fenced = fencedBy(holder)
		return s.fenced
	}
	if holder != nil {
		own.Tokens = []string{holder.Token}
	}
	if err := own.write(notes, s.token); err != nil {
		return err
	}
	return s.take(ctx, id, highest, holder)
}

// TakeOver claims the prefix for a state directory that is to be made of a checkpoint
// there. It returns the note that this directory is to have.
func (s *Shipper) TakeOver(ctx context.Context) (name string, content []byte, err error) {
	err = func() error {
		id, err := s.identity(ctx)
		if err != nil {
			return err
		}
		if id == "" {
			return errors.New("there is nothing to go on from")
		}
		highest, holder, err := s.highestClaim(ctx)
		if err != nil {
			return err
		}
		return s.take(ctx, id, highest, holder)
	}()
	if err != nil {
		return "", nil, s.wrap("taking it over", err)
	}
	content, err = json.Marshal(note{s.id, []string{s.token}})
	return NoteName, content, err
}

// take creates the claim after the highest, unless that is ours already.
func (s *Shipper) take(ctx context.Context, id string, highest uint64, holder *claim) error {
	n := highest
	if holder == nil || holder.Token != s.token {
		var err error
		if n, err = s.createClaim(ctx, highest); err != nil {
			return err
		}
	}
	objects, err := s.newest(ctx)
	if err != nil {
		return err
	}
	s.id, s.claim, s.objects = id, n, objects
	return nil
}

func (s *Shipper) createClaim(ctx context.Context, highest uint64) (n uint64, err error) {
	names, err := s.lists(ctx)
	if err != nil {
		return 0, err
	}
	if len(names) > 0 { // whose claims somebody has removed
		highest = max(highest, number(checkpointPattern.FindStringSubmatch(names[0])[1]))
	}
	n = highest + 1
	err = s.create(ctx, claimName(n), claim{format, s.token, s.o.By, s.o.Now()})
	if errors.Is(err, fs.ErrExist) {
		err = errors.New("another process claimed it at the same time")
	}
	return n, err
}

// newest are the objects of the newest checkpoint.
func (s *Shipper) newest(ctx context.Context) (map[string]string, error) {
	names, err := s.lists(ctx)
	if err != nil {
		return nil, err
	}
	objects := map[string]string{}
	if len(names) == 0 {
		return objects, nil
	}
	l, err := s.list(ctx, names[0])
	var damage damaged
	if errors.As(err, &damage) {
		return objects, nil // then all is shipped again
	}
	if err != nil {
		return nil, err
	}
	sizes, err := s.prefix.objects(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range l.Files {
		if size, ok := sizes[f.Object]; ok && size == f.Size {
			objects[f.Sum] = f.Object
		}
	}
	return objects, nil
}

// Ship ships a checkpoint: when it returns, a process on another machine would find it.
// Committed says that its sinks have committed. What is shipped already is not shipped
// again; after an error, the next Ship goes on from there.
//
// Then those that are not retained any more are removed; that this failed is the second
// error, and tried again the next time.
func (s *Shipper) Ship(ctx context.Context, k *checkpoint.Kept, committed bool) (removing, err error) {
	removing, err = s.ship(ctx, k, committed)
	return s.wrap("removing old checkpoints", removing), s.wrap(fmt.Sprintf("shipping checkpoint %d", k.Manifest.ID), err)
}

func (s *Shipper) ship(ctx context.Context, k *checkpoint.Kept, committed bool) (removing, err error) {
	if err := s.owns(ctx); err != nil {
		return nil, err
	}
	m := k.Manifest
	l := &listed{
		Format: format, ID: s.id, Claim: s.claim, Checkpoint: m.ID, Savepoint: m.Savepoint,
		Created: m.Created, Finished: m.Finished, Committed: committed,
	}
	sums := map[uint64]string{}
	for _, f := range k.Files {
		sum, err := s.sum(k, f)
		if err != nil {
			return nil, err
		}
		if s.objects[sum] == "" {
			if err := s.upload(ctx, k, f, sum); err != nil {
				return nil, err
			}
		}
		if f.Identity > 0 {
			sums[f.Identity] = sum
		}
		l.Files = append(l.Files, listedFile{f.Name, f.Size, sum, s.objects[sum]})
	}
	if err := s.put(ctx, l.name(), l); err != nil {
		return nil, err
	}
	if err := s.owns(ctx); err != nil {
		return nil, err
	}
	s.sums = sums // those of other tables will not be asked for again
	return s.collect(ctx, l)
}

// sum is the checksum of a file; one that is not known yet is read, and must be whole.
func (s *Shipper) sum(k *checkpoint.Kept, f checkpoint.KeptFile) (string, error) {
	if sum, ok := s.sums[f.Identity]; ok && f.Identity > 0 {
		return sum, nil
	}
	if err := k.Verify(f.Name); err != nil {
		return "", err
	}
	r, err := k.Open(f.Name)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(h, r)
	if err = errors.Join(err, r.Close()); err != nil {
		return "", err
	}
	sum := hex.EncodeToString(h.Sum(nil))
	if f.Identity > 0 {
		s.sums[f.Identity] = sum
	}
	return sum, nil
}

func (s *Shipper) upload(ctx context.Context, k *checkpoint.Kept, f checkpoint.KeptFile, sum string) error {
	r, err := k.Open(f.Name)
	if err != nil {
		return err
	}
	defer r.Close()
	name := objectName(s.claim, sum)
	if err := s.Put(ctx, name, summed(r, f.Name, f.Size, sum)); err != nil {
		return fmt.Errorf("its file %s: %w", f.Name, err)
	}
	s.objects[sum] = name
	return nil
}

// owns is why the prefix is not ours, or not ours any more.
func (s *Shipper) owns(ctx context.Context) error {
	if s.fenced != nil {
		return s.fenced
	}
	if s.claim == 0 {
		return errors.New("it is not claimed")
	}
	highest, holder, err := s.highestClaim(ctx)
	switch {
	case err != nil:
		return err
	case holder != nil && highest >= s.claim && holder.Token != s.token:
		s.fenced = fencedBy(holder)
		return s.fenced
	case holder == nil || highest < s.claim:
		s.claim = 0
		return errors.New("the claim on it is gone: somebody removes what is there; it is claimed again")
	}
	return nil
}

func fencedBy(c *claim) error {
	return fmt.Errorf("%w: %s, since %s; stop one of the two. What goes on here goes on from there: in an empty state directory, or with another prefix",
		ErrFenced, c.By, c.At.UTC().Format(time.RFC3339))
}

// Claimed reports whether Ship may be called.
func (s *Shipper) Claimed() bool { return s.claim > 0 && s.fenced == nil }

func (s *Shipper) wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %s: %w", s.url, doing, err)
}

func readNote(notes Notes) (n note, err error) {
	b, err := notes.Note(NoteName)
	if err != nil || b == nil {
		return n, err
	}
	if err := json.Unmarshal(b, &n); err != nil {
		return n, fmt.Errorf("the note %s of the state directory is damaged: %w", NoteName, err)
	}
	return n, nil
}

// write writes n with one more token.
func (n note) write(notes Notes, token string) error {
	if !slices.Contains(n.Tokens, token) {
		n.Tokens = append(slices.Clip(n.Tokens), token)
	}
	b, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return notes.SetNote(NoteName, b)
}

// A summedReader ends in an error unless it had what its sum is of.
type summedReader struct {
	io.Reader
	hash       hash.Hash
	name, want string
	left       int64
}

func summed(r io.Reader, name string, size int64, sum string) io.Reader {
	return &summedReader{r, sha256.New(), name, sum, size}
}

func (r *summedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.hash.Write(p[:n])
	r.left -= int64(n)
	if r.left < 0 || err == io.EOF && (r.left > 0 || hex.EncodeToString(r.hash.Sum(nil)) != r.want) {
		return n, damaged{fmt.Errorf("its file %s is damaged: its checksum does not hold", r.name)}
	}
	return n, err
}

// sortNewestFirst sorts names of checkpoints: first those of the latest claim.
func sortNewestFirst(names []string) {
	slices.SortFunc(names, func(a, b string) int { return -strings.Compare(a, b) })
}
