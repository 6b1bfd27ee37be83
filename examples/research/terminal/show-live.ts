/** On a terminal: the phases of a project, and in each the branches at work, kept up to date in place. */
import { Listr } from 'listr2'
import type { RunEvent } from 'troupe'
import type { Watcher } from '../watcher.ts'
import { short, subject } from './describe-event.ts'
import { ModelAccount } from './describe-model.ts'

const phases = [
  { agent: 'Planner', title: 'Plan' },
  { agent: 'Researcher', title: 'Research' },
  { agent: 'Analyst', title: 'Analyse' },
  { agent: 'Writer', title: 'Write' },
  { agent: 'Reviewer', title: 'Review' },
] as const

interface Branch {
  readonly title: string
  readonly done: PromiseWithResolvers<void>
  show: (text: string) => void
}

/** One phase: its branches are known when the Coordinator has asked for them, or never. */
interface Phase {
  readonly branches: PromiseWithResolvers<readonly Branch[]>
}

interface Fork {
  readonly branches: Branch[]
  missing: number
}
interface Shown {
  readonly byAgent: ReadonlyMap<string, Phase>
  readonly byJoin: ReadonlyMap<string, Fork>
  readonly open: Set<Branch>
}

export function showLive(write: (line: string) => void): Omit<Watcher, 'reported'> {
  const byAgent = new Map<string, Phase>(phases.map(({ agent }) => [agent, { branches: Promise.withResolvers() }]))
  const byJoin = new Map<string, Fork>()
  const open = new Set<Branch>()
  const account = new ModelAccount()
  let began = 0
  let clock: NodeJS.Timeout | undefined
  let latest = ''
  // Beside each branch at work: what its model did last, and how long the run takes.
  const showModels = () => {
    const elapsed = `${Math.round((Date.now() - began) / 1000)} s`
    for (const branch of open) branch.show(latest === '' ? elapsed : `${latest} — ${elapsed}`)
  }
  let shown: Promise<unknown> = Promise.resolve()
  let over: Error | undefined
  const end = (error?: Error) => {
    over ??= error
    for (const branch of open) if (error) branch.done.reject(error)
    for (const { branches } of byAgent.values()) error ? branches.reject(error) : branches.resolve([])
  }
  // A phase that nobody waits for yet may be rejected.
  for (const { branches } of byAgent.values()) branches.promise.catch(() => {})
  return {
    report: write,
    begins(run, project, resumed) {
      write(`${resumed ? 'Resuming' : 'Starting'} run ${run}\n${short(project.question)}`)
      began = Date.now()
      clock = setInterval(showModels, 1_000)
      shown = listOf(byAgent)
        .run()
        .catch(() => {})
    },
    event(event) {
      if (event.type === 'join.opened') byJoin.set(event.joinId, { branches: [], missing: event.slots.length })
      else if (event.type === 'branch.started') openBranch(event, { byAgent, byJoin, open })
      else if (event.type === 'join.arrived' && event.slot !== undefined) {
        const branch = byJoin.get(event.joinId)?.branches[event.slot]
        if (!branch) return
        open.delete(branch)
        if (event.result.success) branch.done.resolve()
        else branch.done.reject(new Error(event.result.error?.message ?? 'failed'))
      } else if (event.type === 'request.made') {
        for (const branch of open) branch.show(`${event.fromAgent} sends a section back to ${event.agent}`)
      } else if (event.type === 'run.completed') end()
      else if (event.type === 'run.failed') end(new Error(event.error.message))
      else if (event.type === 'run.cancelled') end(new Error('cancelled'))
    },
    model(event) {
      latest = account.describe(event) ?? latest
      if (latest !== '') showModels()
    },
    async ends() {
      clearInterval(clock)
      end(over ?? new Error('interrupted'))
      await shown
      if (latest !== '') write(account.sum)
    },
  }
}

/** A branch that somebody waits for has its line; a phase is shown once all of its branches are known. */
function openBranch(
  event: Extract<RunEvent, { readonly type: 'branch.started' }>,
  { byAgent, byJoin, open }: Shown,
): void {
  if (event.origin?.kind !== 'call') return
  const { joinId, slot } = event.origin
  const fork = byJoin.get(joinId)
  if (!fork) return
  const branch: Branch = {
    title: `${event.agent}${subject(event.input)}`,
    done: Promise.withResolvers(),
    show: () => {},
  }
  // It may fail before its line is shown.
  branch.done.promise.catch(() => {})
  open.add(branch)
  fork.branches[slot] = branch
  fork.missing -= 1
  if (fork.missing === 0) byAgent.get(event.agent)?.branches.resolve(fork.branches)
}

const listOf = (byAgent: ReadonlyMap<string, Phase>) =>
  new Listr(
    phases.map(({ agent, title }) => ({
      title,
      task: async (_: unknown, task) => {
        const branches = (await byAgent.get(agent)?.branches.promise) ?? []
        if (branches.length === 0) return task.skip(`${title}: nothing to do`)
        return task.newListr(
          branches.map((branch) => ({
            title: branch.title,
            task: async (__: unknown, line) => {
              branch.show = (text) => {
                line.output = text
              }
              await branch.done.promise
            },
          })),
          { concurrent: true, exitOnError: false },
        )
      },
    })),
    { registerSignalListeners: false, rendererOptions: { collapseSubtasks: false } },
  )
