/** Finds the steps of one agent in a run: a caller that acts as the agent may see only these. */
import { checkName, type Question, type UserId } from '../../core/index.ts'
import type { JournalRecord } from '../../journal/index.ts'
import type { Event, Pinned } from '../machine/machine-events.ts'
import { childQuestionOf } from '../machine/run/child-question-id.ts'
import { parentOf } from './children/parent.ts'
import { readRecord } from './store/run-record.ts'

const pageSize = 500

/** The steps are found by the agent of their node. Steps that handle requests of other agents are included. */
export class AgentSteps {
  /** True if a caller that acted as the agent started the run. */
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

  /** @param event an event of the run; all events from the first are added in their order */
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

/** Records the agent as which the caller started the run. That caller may see the response. */
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

/** Returns no steps if retention has deleted the journal of the run. */
export async function agentStepsOf(host: Host, user: UserId, run: string, agent: string): Promise<AgentSteps> {
  const steps = new AgentSteps(agent)
  for await (const event of eventsOf(host, user, checkName('run', run))) steps.add(event)
  return steps
}

/**
 * Returns the run that asks, which is the named run or a child run at any depth, and the id of the question in that run. A
 * prefix that names no child run is a part of the id.
 */
async function locateQuestion(
  host: Host,
  user: UserId,
  run: string,
  question: string,
): Promise<{ readonly run: string; readonly question: string }> {
  for (let at = { run, question }; ; ) {
    const child = childQuestionOf(at.question)
    if (!child || !(await parentsOf(host, user, child.run)).includes(at.run)) return at
    at = child
  }
}

/** Returns the parent of a run and all runs above it; none if the run does not exist. */
async function parentsOf(host: Host, user: UserId, run: string): Promise<readonly string[]> {
  for (const { body } of await host.records(user, run, 0, 1))
    for (const event of readRecord(body).events ?? [])
      if (event.type === 'run.started') return parentOf(event.pinned)?.above ?? []
  return []
}

/**
 * Returns true if the agent has a step in the run or in one of its parents.
 * @param question a question of a child run: that run is checked
 */
export async function takesPart(
  host: Host,
  user: UserId,
  agent: string,
  { run, question }: { readonly run: string; readonly question: string },
): Promise<boolean> {
  const { run: asking } = await locateQuestion(host, user, run, question)
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
  /** The run that asked: the named run or one of its child runs. */
  readonly run: string
  readonly step: string | undefined
  readonly ask: Question
}

/** @returns undefined if the run has not asked the question */
export async function findQuestion(
  host: Host,
  user: UserId,
  run: string,
  question: string,
): Promise<AskedBy | undefined> {
  const at = await locateQuestion(host, user, run, question)
  for await (const event of eventsOf(host, user, at.run))
    if (event.type === 'question.asked' && event.question === at.question)
      return { run: at.run, step: event.step, ask: event.ask }
  return undefined
}
