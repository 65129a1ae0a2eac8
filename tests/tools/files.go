// Writes a file in one of the ways of Go's library.
//
//	usage: files WAY FILE TEXT
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	way, file, text := os.Args[1], os.Args[2], os.Args[3]
	switch way {
	case "WriteFile":
		must(os.WriteFile(file, []byte(text+"\n"), 0644))
	case "Create": // the newline is a write of its own
		f, err := os.Create(file)
		must(err)
		_, err = fmt.Fprint(f, text)
		must(err)
		_, err = fmt.Fprint(f, "\n")
		must(err)
		must(f.Close())
	case "pieces":
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_TRUNC, 0)
		must(err)
		for _, piece := range strings.SplitAfter(text+"\n", "y") {
			_, err = io.WriteString(f, piece)
			must(err)
		}
		must(f.Close())
	case "bufio":
		f, err := os.OpenFile(file, os.O_RDWR|os.O_TRUNC|os.O_CREATE, 0644)
		must(err)
		w := bufio.NewWriterSize(f, 16)
		_, err = w.WriteString(text + "\n")
		must(err)
		must(w.Flush())
		must(f.Close())
	case "rename":
		must(os.WriteFile(file+".new", []byte(text+"\n"), 0644))
		must(os.Rename(file+".new", file))
	case "sync": // while the scheduler interrupts a busy thread with SIGURG
		go func() {
			for n := 0; ; n++ {
			}
		}()
		f, err := os.Create(file)
		must(err)
		_, err = f.WriteString(text + "\n")
		must(err)
		must(f.Sync())
		must(f.Close())
	case "append":
		f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
		must(err)
		_, err = fmt.Fprintln(f, text)
		must(err)
		must(f.Close())
	case "copy": // TEXT is the file that is copied
		from, err := os.Open(text)
		must(err)
		to, err := os.Create(file)
		must(err)
		_, err = io.Copy(to, from)
		must(err)
		must(to.Close())
	}
}
