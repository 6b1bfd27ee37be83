/**
 * Agent paths: the chain of invocations from the first agent to the acting one. After a hand-off, or along an edge, an agent
 * takes the position of the agent before. An invoked, notified or asked agent is added below.
 */
import type { Event } from '../machine-events.ts'

/** The names of the agents from the first one to the acting one. */
export type AgentPath = readonly string[]
/** The paths by branch, by step that serves a request, and by question. */
export type AgentPaths = ReadonlyMap<string, AgentPath>

const subjectsOf = (event: Event) => event as { readonly [subject in 'question' | 'step' | 'branch']?: string }

/**
 * Returns the path of the agent of an event; empty for the run itself.
 * @param paths the paths that the events up to this one have set
 */
export function pathOf(paths: AgentPaths, event: Event): AgentPath {
  const { question, step, branch } = subjectsOf(event)
  return paths.get(question ?? '') ?? paths.get(step ?? '') ?? paths.get(branch ?? '') ?? noAgents
}
const noAgents: AgentPath = []

/** Returns the path of each event of a run, from its first one on. */
export function pathsOf(events: readonly Event[]): readonly AgentPath[] {
  const paths = new Map<string, AgentPath>()
  return events.map((event) => setPath(paths, event))
}

/** Stores the path that an event determines, if any, and returns the path of the event. */
export function setPath(paths: Map<string, AgentPath>, event: Event): AgentPath {
  const set = pathSetBy(paths, event)
  if (set) paths.set(...set)
  return pathOf(paths, event)
}

/** Returns the branch, step or question whose path the event determines; undefined for most events. */
export function pathSetBy(paths: AgentPaths, event: Event): readonly [subject: string, path: AgentPath] | undefined {
  const of = (subject: string | undefined) => (subject === undefined ? undefined : paths.get(subject)) ?? []
  const withLastAgent = (subject: string | undefined, agent: string) => [...of(subject).slice(0, -1), agent]
  switch (event.type) {
    case 'branch.started': {
      const { branch, parent, group, origin, agent } = event
      // All branches of a group continue at the position at which its first one started.
      return [branch, origin ? [...of(parent), agent] : withLastAgent(group, agent)]
    }
    case 'branch.moved':
      return [event.branch, withLastAgent(event.branch, event.agent)]
    case 'request.made':
      return [event.step, [...pathOf(paths, { ...event, step: event.from }), event.agent]]
    case 'question.asked': {
      const { question: _, ...asking } = event
      const path = pathOf(paths, asking as Event)
      // An agent that helps the agent of the step asks in its own name.
      return [event.question, path.at(-1) === event.agent || event.step === undefined ? path : [...path, event.agent]]
    }
    default:
      return undefined
  }
}
