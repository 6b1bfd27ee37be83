/** Ends this process as a power cut would, to show what a run survives. */
import { writeSync } from 'node:fs'
import type { RunEvent } from 'troupe'
import { resumeCommand } from './resume-command.ts'
import type { Watcher } from './watcher.ts'

/**
 * The same watcher; when the first researcher has finished, the process is killed. No handler runs then, and nothing is
 * saved: what the journal holds at that moment is all that the next process has.
 */
export function crashing(watcher: Watcher, run: string, data: string): Watcher {
  const open = new Set<string>()
  let finished = 0
  const event = (seen: RunEvent) => {
    watcher.event(seen)
    if (seen.type === 'step.started') open.add(seen.step)
    if (seen.type !== 'step.completed') return
    open.delete(seen.step)
    finished += 1
    if (seen.agent !== 'Researcher') return
    const lines = [
      '',
      `Killing this process with SIGKILL: ${finished} steps are finished, ${open.size} at work.`,
      `Finish the run: ${resumeCommand(run, data)}`,
      // A live display has hidden the cursor, and nothing after this process shows it again.
      process.stdout.isTTY ? '\u001B[?25h' : '',
    ]
    // The stream of the process would be killed with its buffer.
    writeSync(1, lines.join('\n'))
    process.kill(process.pid, 'SIGKILL')
  }
  return { ...watcher, event }
}
