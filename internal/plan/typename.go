package plan

import (
	"regexp"
	"strings"
)

// TypeName is a type's name as a user would write it: reflect spells the import
// paths inside a generic type's name in full, numbers local types, and leaves out
// some spaces and adds others.
func TypeName(s string) string {
	s = localType.ReplaceAllString(s, "")
	var b strings.Builder
	start := 0
	cut := func(end int) {
		word := s[start:end]
		b.WriteString(word[strings.LastIndexByte(word, '/')+1:])
	}
	for i := range len(s) {
		if strings.IndexByte("[],*() {};", s[i]) >= 0 {
			cut(i)
			b.WriteByte(s[i])
			start = i + 1
		}
	}
	cut(len(s))
	return spelling.Replace(b.String())
}

var (
	localType = regexp.MustCompile(`·\d+`)
	spelling  = strings.NewReplacer("model.KV[", "KV[", ", ", ", ", ",", ", ", "struct {}", "struct{}", "interface {}", "any", "struct { ", "struct{ ")
)
