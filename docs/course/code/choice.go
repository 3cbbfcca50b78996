// Both channels have something. Which of them does select take?
package main

import "fmt"

func main() {
	register := make(chan string, 1)
	unregister := make(chan string, 1)
	taken := map[string]bool{}
	for round := 0; round < 1000; round++ {
		register <- "register"
		unregister <- "unregister"
		select {
		case first := <-register:
			taken[first] = true
			<-unregister
		case first := <-unregister:
			taken[first] = true
			<-register
		}
	}
	fmt.Println("register first:", taken["register"], "- unregister first:", taken["unregister"])
}
