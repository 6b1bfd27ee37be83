/** Which steps of a run are of one agent: what a caller who acts as that agent may see of the run. */
import { checkName, type Question, type UserId } from '../../core/index.ts'
import type { JournalRecord } from '../../journal/index.ts'
import type { Event, Pinned } from '../machine/machine-events.ts'
import { parentOf } from './children/parent.ts'
import { childQuestionOf } from './children/waiting-on-children.ts'
import { readRecord } from './store/run-record.ts'

const pageSize = 500

/** Steps are told apart by the agent behind their node; those that serve requests of others are included. */
export class AgentSteps {
  /** The run was begun by a caller who acted as the agent. */
  isStarter = false
  readonly #agent: string
  readonly #nodes = new Map<string, string>()
  readonly #steps = new Set<string>()

  constructor(agent: string) {
    this.#agent = agent
  }

  get isEmpty(): boolean {
    return this.#steps.size === 0
  }

  has(step: string): boolean {
    return this.#steps.has(step)
  }

  /** @param event those of a run, from its first */
  add(event: Event): void {
    if (event.type === 'run.started') {
      this.isStarter = startedBy(event.pinned) === this.#agent
      for (const { name, agent } of event.pinned.topology.nodes) if (agent !== undefined) this.#nodes.set(name, agent)
    }
    if (event.type !== 'step.started' && event.type !== 'request.made') return
    if ((this.#nodes.get(event.node) ?? event.agent) === this.#agent) this.#steps.add(event.step)
  }
}

const startedBy = ({ more }: Pinned): string | undefined =>
  (more as { readonly startedBy?: string } | undefined)?.startedBy

/** Pins the agent as which the caller acts who begins the run: that caller may see what the run answers. */
export const withStarter = (pinned: Pinned, agent: string): Pinned => ({
  ...pinned,
  more: { ...(pinned.more as object | undefined), startedBy: agent },
})

interface Host {
  records(user: UserId, run: string, after: number, limit: number): Promise<readonly JournalRecord[]>
}

async function* eventsOf(host: Host, user: UserId, run: string): AsyncGenerator<Event> {
  for (let after = 0; ; ) {
    const page = await host.records(user, run, after, pageSize)
    for (const { seq, body } of page) {
      after = seq
      yield* readRecord(body).events ?? []
    }
    if (page.length < pageSize) return
  }
}

/** Empty too where the run's journal is not kept any more. */
export async function agentStepsOf(host: Host, user: UserId, run: string, agent: string): Promise<AgentSteps> {
  const steps = new AgentSteps(agent)
  for await (const event of eventsOf(host, user, checkName('run', run))) steps.add(event)
  return steps
}

/**
 * Whether the agent has a step in the run, or in one of the runs above it.
 * @param question of a child run it is that run that counts
 */
export async function takesPart(
  host: Host,
  user: UserId,
  agent: string,
  { run, question }: { readonly run: string; readonly question: string },
): Promise<boolean> {
  const asking = childQuestionOf(question)?.run ?? run
  const steps = new AgentSteps(agent)
  let above: readonly string[] = []
  for await (const event of eventsOf(host, user, asking)) {
    steps.add(event)
    if (event.type === 'run.started') above = parentOf(event.pinned)?.above ?? []
    if (!steps.isEmpty) return true
  }
  for (const parent of above) if (!(await agentStepsOf(host, user, parent, agent)).isEmpty) return true
  return false
}

export interface AskedBy {
  /** The run that asked: the one named, or one that a step of it started. */
  readonly run: string
  readonly step: string | undefined
  readonly ask: Question
}

/** @returns undefined for a question that the run has not asked */
export async function findQuestion(
  host: Host,
  user: UserId,
  run: string,
  question: string,
): Promise<AskedBy | undefined> {
  const child = childQuestionOf(question)
  const at = child ?? { run, question }
  for await (const event of eventsOf(host, user, at.run))
    if (event.type === 'question.asked' && event.question === at.question)
      return { run: at.run, step: event.step, ask: event.ask }
  return undefined
}
