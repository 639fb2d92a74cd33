package control

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestQuestionsAreAnswered(t *testing.T) {
	// Longer than the path of a socket may be.
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 40))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Ask(dir, Question{}); !errors.Is(err, ErrNobody) {
		t.Errorf("nobody listens, and the answer is %v", err)
	}
	s, err := Listen(dir, func(q Question) Answer {
		if q.Stop {
			return Answer{Error: "not now"}
		}
		return Answer{Checkpoint: 7, Dir: "000000000007-" + q.Savepoint}
	})
	if err != nil {
		t.Fatal(err)
	}
	if a, err := Ask(dir, Question{Savepoint: "v2"}); err != nil || a.Checkpoint != 7 || a.Dir != "000000000007-v2" {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := Ask(dir, Question{Stop: true}); err == nil || err.Error() != "not now" {
		t.Errorf("%v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAFileThatAKilledProcessLeftAnswersNobody(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, fileName), []byte(filepath.Join(dir, "gone")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Ask(dir, Question{}); !errors.Is(err, ErrNobody) {
		t.Errorf("got %v", err)
	}
	none := func(Question) Answer { return Answer{} }
	killed, err := Listen(dir, none)
	if err != nil {
		t.Fatal(err)
	}
	next, err := Listen(dir, none) // as the next process does
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(killed.folder); !os.IsNotExist(err) {
		t.Errorf("the folder of the killed one is there: %v", err)
	}
	if _, err := Ask(dir, Question{}); err != nil {
		t.Error(err)
	}
	if err := next.Close(); err != nil {
		t.Error(err)
	}
	_ = killed.Close() // of which nothing is left
}
