/** A team for the trials of several processes: works for a while, asks, and ends with all it did. */
import { appendFile } from 'node:fs/promises'
import { defineAgent, defineConfig, finish } from 'troupe'

interface Task {
  /** A file with a line for each time that something was done: what, and by which process. */
  readonly ledger: string
  readonly steps: number
}

const worker = defineAgent<Task, Task>({
  name: 'Works',
  run: async (task, ctx) => {
    for (let step = 0; step < task.steps; step++) {
      await ctx.effect(`step ${step}`, { class: 'idempotent' }, () =>
        appendFile(task.ledger, `${step} ${process.pid}\n`),
      )
      await ctx.effect(`rest ${step}`, { class: 'read' }, () => new Promise((resolve) => setTimeout(resolve, 100)))
    }
    return task
  },
})

const asker = defineAgent<Task, string>({
  name: 'Asks',
  run: async (task, ctx) => {
    const color = await ctx.ask({ kind: 'choice', text: 'Which?', options: ['red', 'blue'] })
    await ctx.effect('last', { class: 'idempotent' }, () => appendFile(task.ledger, `${color} ${process.pid}\n`))
    return finish(`${task.steps} steps, ${color}`)
  },
})

export default defineConfig({
  agents: [worker, asker],
  teams: { work: { agents: [worker, asker], flows: ['Works -> Asks', 'Asks -> End'] } },
})
