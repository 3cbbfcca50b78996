// Runs one of many small programs, many times: `programs INDEX FIRST COUNT SEED` does runs FIRST to FIRST+COUNT-1.
//
// What a goroutine did is written at once, since a deadlock or a panic ends the process without a word to it.
package main

import (
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

type run struct {
	seed uint64
	done sync.WaitGroup
}

type goroutine struct {
	number int
	random uint64
}

func main() {
	index, first, count, seed := argument(1), argument(2), argument(3), argument(4)
	for n := first; n < first+count; n++ {
		runtime.GOMAXPROCS([]int{1, 2, 4}[n%3])
		r := &run{seed: uint64(seed)*1000003 + uint64(n)}
		programs[index](r)
		r.done.Wait()
		say("end\n")
	}
}

func argument(n int) int {
	value, err := strconv.Atoi(os.Args[n])
	if err != nil {
		panic(err)
	}
	return value
}

func say(line string) {
	if n, err := syscall.Write(1, []byte(line)); err != nil || n != len(line) {
		os.Exit(3)
	}
}

func (r *run) start(number int, body func(g *goroutine)) {
	g := &goroutine{number, (r.seed*31 + uint64(number)) * 0x9e3779b97f4a7c15}
	r.done.Add(1)
	go func() {
		body(g)
		g.note("finished")
		// Not deferred: one that panics is not done.
		r.done.Done()
	}()
}

// Any number at random, by xorshift; as bad as need be.
func (g *goroutine) next() uint64 {
	g.random |= 1
	g.random ^= g.random << 13
	g.random ^= g.random >> 7
	g.random ^= g.random << 17
	return g.random >> 16
}

// Nothing, a yield, a spin or a nap.
func (g *goroutine) pause() {
	switch n := g.next() % 32; {
	case n < 10:
	case n < 20:
		for k := n % 3; k <= 3; k++ {
			runtime.Gosched()
		}
	case n < 27:
		for k := g.next() % 4000; k > 0; k-- {
			g.random += k
		}
	default:
		time.Sleep(time.Duration(g.next()%60) * time.Microsecond)
	}
}

func (g *goroutine) note(what string, numbers ...int) {
	line := strconv.Itoa(g.number) + " " + what
	for _, n := range numbers {
		line += " " + strconv.Itoa(n)
	}
	say(line + "\n")
}

func (g *goroutine) sent(which, channel int) {
	g.note("sent", which, channel)
}

func (g *goroutine) received(which, channel, value int, ok bool) {
	if ok {
		g.note("received", which, channel, value)
	} else {
		g.note("drained", which, channel)
	}
}
