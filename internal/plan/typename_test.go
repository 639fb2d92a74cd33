package plan_test

import (
	"iter"
	"reflect"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/model"
)

func TestTypeNamesReadAsAUserWritesThem(t *testing.T) {
	type local struct{ N int }
	type pair[A, B any] struct {
		A A
		B B
	}
	for _, tt := range []struct {
		typ  reflect.Type
		want string
	}{
		{reflect.TypeFor[string](), "string"},
		{reflect.TypeFor[time.Time](), "time.Time"},
		{reflect.TypeFor[struct{}](), "struct{}"},
		{reflect.TypeFor[any](), "any"},
		{reflect.TypeFor[[]map[string][]any](), "[]map[string][]any"},
		{reflect.TypeFor[map[model.Timestamp]*model.Window](), "map[model.Timestamp]*model.Window"},
		{reflect.TypeFor[struct {
			A int
			B []string
		}](), "struct{ A int; B []string }"},
		{reflect.TypeFor[func(int, ...string) (bool, error)](), "func(int, ...string) (bool, error)"},
		{reflect.TypeFor[local](), "plan_test.local"},
		{reflect.TypeFor[[]local](), "[]plan_test.local"},
		{reflect.TypeFor[pair[local, *local]](), "plan_test.pair[plan_test.local, *plan_test.local]"},
		{reflect.TypeFor[model.KV[string, int64]](), "KV[string, int64]"},
		{reflect.TypeFor[model.KV[struct{}, model.KV[string, iter.Seq[time.Time]]]](), "KV[struct{}, KV[string, iter.Seq[time.Time]]]"},
		{reflect.TypeFor[model.KV[string, pair[model.Pane, []model.Timestamp]]](), "KV[string, plan_test.pair[model.Pane, []model.Timestamp]]"},
	} {
		if got := plan.TypeName(tt.typ.String()); got != tt.want {
			t.Errorf("%v reads %s, want %s", tt.typ, got, tt.want)
		}
	}
}
