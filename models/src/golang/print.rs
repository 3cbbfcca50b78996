//! Programs as Go source.

use std::fmt::Write;

use turnstile::sync::Case;

use super::{Op, Program};

/// What all programs share: the main function, and what notes and shuffles the goroutines.
const FRAME: &str = include_str!("frame.go");

/// One Go file with all of the programs; which one runs is its first argument.
pub fn source(programs: &[Program]) -> String {
    let names: Vec<String> = (0..programs.len()).map(|index| format!("program{index}")).collect();
    let mut out = format!("{FRAME}\nvar programs = []func(*run){{{}}}\n", names.join(", "));
    for (index, program) in programs.iter().enumerate() {
        out += &function(index, program);
    }
    out
}

fn function(index: usize, program: &Program) -> String {
    let channels: Vec<String> = program.capacities.iter().map(|c| format!("make(chan int, {c})")).collect();
    let mut out = format!("\nfunc program{index}(r *run) {{\n\tc := []chan int{{{}}}\n", channels.join(", "));
    let _ = writeln!(
        out,
        "\tm, w := make([]sync.Mutex, {0}), make([]sync.RWMutex, {0})\n\t_, _, _ = c, m, w",
        program.mutexes
    );
    for (number, ops) in (1..).zip(&program.goroutines) {
        let _ = writeln!(out, "\tr.start({number}, func(g *goroutine) {{");
        for op in ops {
            let _ = writeln!(out, "\t\tg.pause()\n{}", statement(op));
        }
        out += "\t})\n";
    }
    out + "}\n"
}

fn statement(op: &Op) -> String {
    match op {
        Op::Send { channel, value } => format!("\t\tc[{channel}] <- {value}\n\t\tg.sent(0, {channel})"),
        Op::Receive(channel) => {
            format!("\t\tif v, ok := <-c[{channel}]; true {{\n\t\t\tg.received(0, {channel}, v, ok)\n\t\t}}")
        }
        Op::Select { cases, default } => {
            let mut out = "\t\tselect {\n".to_owned();
            for (index, case) in cases.iter().enumerate() {
                out += &match case {
                    Case::Send(channel, value) => {
                        format!("\t\tcase c[{channel}] <- {value}:\n\t\t\tg.sent({index}, {channel})\n")
                    }
                    Case::Receive(channel) => {
                        format!(
                            "\t\tcase v, ok := <-c[{channel}]:\n\t\t\tg.received({index}, {channel}, v, ok)\n"
                        )
                    }
                };
            }
            if *default {
                out += "\t\tdefault:\n\t\t\tg.note(\"default\")\n";
            }
            out + "\t\t}"
        }
        Op::Close(channel) => format!("\t\tclose(c[{channel}])\n\t\tg.note(\"closed\", {channel})"),
        Op::Lock(mutex) => format!("\t\tm[{mutex}].Lock()\n\t\tg.note(\"locked\", {mutex})"),
        Op::Unlock(mutex) => format!("\t\tm[{mutex}].Unlock()\n\t\tg.note(\"unlocked\", {mutex})"),
        Op::WriteLock(mutex) => format!("\t\tw[{mutex}].Lock()\n\t\tg.note(\"write-locked\", {mutex})"),
        Op::WriteUnlock(mutex) => format!("\t\tw[{mutex}].Unlock()\n\t\tg.note(\"write-unlocked\", {mutex})"),
        Op::ReadLock(mutex) => format!("\t\tw[{mutex}].RLock()\n\t\tg.note(\"read-locked\", {mutex})"),
        Op::ReadUnlock(mutex) => format!("\t\tw[{mutex}].RUnlock()\n\t\tg.note(\"read-unlocked\", {mutex})"),
    }
}
