package direct_test

import (
	"context"
	"slices"
	"testing"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
)

func TestCountsWords(t *testing.T) {
	var p model.Pipeline
	words := transforms.Create(&p, "a", "b", "a", "c", "a")
	got, err := direct.Collect(context.Background(), transforms.Count(words))
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(got, func(x, y model.KV[string, int64]) int { return int(y.Value - x.Value) })
	if len(got) != 3 || got[0] != model.KVOf("a", int64(3)) {
		t.Fatalf("got %v", got)
	}
}
