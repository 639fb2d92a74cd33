package direct_test

import (
	"context"
	"errors"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/internal/shipping"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/objectstore"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
)

// shippingTo is a runner on a machine of its own.
func shippingTo(url string) direct.Runner {
	c := direct.Checkpoints{Dir: "/state", Every: 2 * time.Millisecond, Ship: url, CommitShipped: true}
	return direct.Runner{Parallelism: 2, Logger: silent, Checkpoints: c.On(vfs.NewMem()).ShippingEvery(time.Millisecond)}
}

func folderURL(t *testing.T) string {
	return "file://" + filepath.ToSlash(t.TempDir()) + "/shipped"
}

// watched is a book, and how often it was asked to commit something.
func watched() (*book, *atomic.Int64) {
	var commits atomic.Int64
	b := &book{}
	b.onCommit = func() error { commits.Add(1); return nil }
	return b, &commits
}

// wantOnce checks what is committed only: what a lost machine had prepared is lost.
func wantOnce(t *testing.T, b *book, n int) {
	t.Helper()
	clear(b.open)
	b.want(t, n)
}

var errLost = errors.New("the machine is gone")

// Sinks commit what is shipped; so whatever has been committed as a machine is lost, another
// goes on from there, and commits each number once.
func TestTheLossOfAMachineLosesAndDoublesNothing(t *testing.T) {
	url, numbers := folderURL(t), 400
	b, commits := watched()
	restore := ""
	for life := range int64(4) {
		c := &counter{n: numbers, pause: 100 * time.Microsecond}
		if life < 3 {
			from := commits.Load()
			c.onRead = func(context.Context, int) error {
				if commits.Load() > from+2 {
					return errLost
				}
				return nil
			}
		}
		r := shippingTo(url)
		r.Checkpoints.Restore = restore
		report, err := r.Run(t.Context(), copied(c, nil, b))
		if life < 3 && err == nil || err != nil && !errors.Is(err, errLost) {
			t.Fatalf("life %d: %v", life, err)
		}
		if s := report.Checkpoints.Shipping; s.Checkpoint == 0 || s.To != url || s.Ended || !strings.Contains(report.String(), "shipped") {
			t.Errorf("life %d: the report says %v", life, s)
		}
		restore = url
	}
	wantOnce(t, b, numbers)
}

// Somebody takes a machine for lost that is not: it is told, ends, and is not started again;
// what both commit is each number once.
func TestAMachineThatWasTakenForLostEnds(t *testing.T) {
	url, numbers := folderURL(t), 400
	b, commits := watched()
	c := &counter{n: numbers, pause: time.Millisecond}
	slow := make(chan struct{})
	c.onRead = func(ctx context.Context, next int) error {
		if next < numbers-1 {
			return nil
		}
		select { // it does not come to its end before the other has taken over
		case <-slow:
		case <-ctx.Done():
		}
		return nil
	}
	first := shippingTo(url)
	first.Restart = direct.FixedDelay{Delay: time.Millisecond}
	ended := make(chan error, 1)
	go func() {
		_, err := first.Run(context.Background(), copied(c, nil, b))
		ended <- err
	}()
	for commits.Load() < 3 {
		select {
		case err := <-ended:
			t.Fatal(err)
		case <-time.After(100 * time.Microsecond):
		}
	}
	second := shippingTo(url)
	second.Checkpoints.Restore = url
	if _, err := second.Run(t.Context(), copied(&counter{n: numbers}, nil, b)); err != nil {
		t.Fatal(err)
	}
	close(slow)
	if err := <-ended; !errors.Is(err, shipping.ErrFenced) || strings.Contains(err.Error(), "failed 2 times in") {
		t.Errorf("the first one ends with %v", err)
	}
	wantOnce(t, b, numbers)
}

// patchy is an object store that fails every second time.
type patchy struct{ calls atomic.Int64 }

func (*patchy) Schemes() []string { return []string{"patchy"} }
func (p *patchy) Open(_ context.Context, u *url.URL) (objectstore.Bucket, error) {
	return patchyBucket{objectstore.Folder(u.Path), &p.calls}, nil
}

type patchyBucket struct {
	objectstore.Bucket
	calls *atomic.Int64
}

func (b patchyBucket) Put(ctx context.Context, name string, r io.Reader) error {
	if b.calls.Add(1)%2 == 1 {
		return errors.New("no answer")
	}
	return b.Bucket.Put(ctx, name, r)
}

// An object store that fails now and then has no effect on checkpoints or the run, and has
// the last checkpoint in the end.
func TestShippingFailsNoCheckpoint(t *testing.T) {
	objectstore.Register(&patchy{})
	folder := filepath.ToSlash(t.TempDir())
	b, _ := watched()
	r := shippingTo("patchy://" + folder)
	r.Checkpoints.CommitShipped = false
	report, err := r.Run(t.Context(), copied(&counter{n: 200, pause: 100 * time.Microsecond}, nil, b))
	if err != nil {
		t.Fatal(err)
	}
	b.want(t, 200)
	s := report.Checkpoints.Shipping
	if report.Checkpoints.Failed > 0 || s.Failed == 0 || s.Checkpoint == 0 || s.Lag > 0 || s.InARow > 0 {
		t.Errorf("%d checkpoints failed; of shipping the report says %+v", report.Checkpoints.Failed, s)
	}
	// It is the end of the pipeline, and its sinks have committed.
	again := shippingTo("file://" + folder)
	again.Checkpoints.Restore = "file://" + folder
	b.onCommit = func() error { return errors.New("committed again") }
	if _, err := again.Run(t.Context(), copied(&counter{n: 200}, nil, b)); err != nil {
		t.Error(err)
	}
}

func TestShippingThatIsRefused(t *testing.T) {
	url := folderURL(t)
	b, _ := watched()
	if _, err := shippingTo(url).Run(t.Context(), copied(&counter{n: 10}, nil, b)); err != nil {
		t.Fatal(err)
	}
	run := func(change func(*direct.Checkpoints)) error {
		r := shippingTo(url)
		change(&r.Checkpoints)
		_, err := r.Run(t.Context(), copied(&counter{n: 10}, nil, &book{}))
		return err
	}
	for _, tt := range []struct {
		says   string
		change func(*direct.Checkpoints)
	}{
		{"it holds the checkpoints of another state directory", func(*direct.Checkpoints) {}},
		{"needs a Dir", func(c *direct.Checkpoints) { c.Dir = "" }},
		{"needs Ship", func(c *direct.Checkpoints) { c.Ship = "" }},
		{"no object store for such URLs", func(c *direct.Checkpoints) { c.Ship = "s3://bucket" }},
		{"no object store for such URLs", func(c *direct.Checkpoints) { c.Restore = "s3://bucket" }},
		{"there is nothing", func(c *direct.Checkpoints) { c.Restore = folderURL(t) }},
		{"there is no checkpoint v2", func(c *direct.Checkpoints) { c.Restore = url + "#v2" }},
	} {
		if err := run(tt.change); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("the run ends with %v, want %q", err, tt.says)
		}
	}
	// A pipeline that cannot go on from it takes nothing over: who had it still may ship.
	files, err := filepath.Glob(strings.TrimPrefix(url, "file://") + "/claims/*")
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	var p model.Pipeline
	transforms.Write(transforms.Read(&p, &counter{n: 10}, model.Name("Another")), &book{}, model.Name("Book"))
	r := shippingTo(url)
	r.Checkpoints.Restore = url
	if _, err := r.Run(t.Context(), &p); err == nil || !strings.Contains(err.Error(), "nothing in this pipeline claims") {
		t.Errorf("another pipeline: %v", err)
	}
	if after, err := filepath.Glob(strings.TrimPrefix(url, "file://") + "/claims/*"); err != nil || !slices.Equal(after, files) {
		t.Errorf("the claims were %v, and are %v (%v)", files, after, err)
	}
}
