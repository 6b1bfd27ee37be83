/** Metrics of the process that answers, since it was opened, for callers that may read them. */
import { useQuery } from '@tanstack/react-query'
import { useClient } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'

interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const line = /^([a-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/i
const label = /(\w+)="((?:[^"\\]|\\.)*)"/g
const unescaped = (text: string) => text.replace(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one))

/** Reads the text form of Prometheus. */
function samplesOf(text: string): readonly Sample[] {
  return text.split('\n').flatMap((each) => {
    const [, name, labels = '', value] = line.exec(each) ?? []
    if (name === undefined) return []
    const pairs = [...labels.matchAll(label)].map(([, key = '', raw = '']) => [key, unescaped(raw)])
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }]
  })
}

interface StepMetrics {
  readonly completed: number
  readonly failed: number
  /** The mean time in ms from the start of a step to its end or wait; undefined if none has ended. */
  readonly meanMs: number | undefined
}
export interface ToolMetrics {
  readonly calls: number
  readonly failures: number
  readonly meanMs: number
}
export interface Metrics {
  readonly agent: (name: string) => StepMetrics
  /** The tools that the agent has called, by name. */
  readonly tools: (agent: string) => ReadonlyMap<string, ToolMetrics>
  /** The state of each circuit breaker, by model. */
  readonly breakers: ReadonlyMap<string, 'closed' | 'half-open' | 'open'>
}

const refreshMs = 15_000

/** Returns undefined for callers that may not read metrics, and until the server has answered. */
export function useMetrics(): Metrics | undefined {
  const client = useClient()
  const may = useMay()
  const { data } = useQuery({
    queryKey: ['operations.metrics'],
    enabled: may('operations.metrics'),
    refetchInterval: refreshMs,
    retry: false,
    queryFn: async () => {
      let text = ''
      for await (const piece of client.text('operations.metrics')) text += piece
      return metricsOf(samplesOf(text))
    },
  })
  return data
}

function metricsOf(samples: readonly Sample[]): Metrics {
  const sum = (name: string, labels: Readonly<Record<string, string>>) =>
    samples
      .filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
      .reduce((total, { value }) => total + value, 0)
  const meanMs = (name: string, labels: Readonly<Record<string, string>>) => {
    const count = sum(`${name}_count`, labels)
    return count === 0 ? undefined : (sum(`${name}_sum`, labels) / count) * 1_000
  }
  return {
    agent: (agent) => ({
      completed: sum('troupe_step_completed_total', { agent }),
      failed: sum('troupe_step_failed_total', { agent }),
      meanMs: meanMs('troupe_step_released_seconds', { agent }),
    }),
    tools: (agent) => {
      const calls = samples.filter(
        ({ name, labels }) => name === 'troupe_tool_called_seconds_count' && labels.agent === agent,
      )
      const tools = [...new Set(calls.flatMap(({ labels }) => labels.tool ?? []))]
      return new Map(
        tools.map((tool) => [
          tool,
          {
            calls: sum('troupe_tool_called_seconds_count', { agent, tool }),
            failures: sum('troupe_tool_called_seconds_count', { agent, tool, success: 'false' }),
            meanMs: meanMs('troupe_tool_called_seconds', { agent, tool }) ?? 0,
          },
        ]),
      )
    },
    breakers: new Map(
      samples
        .filter(({ name }) => name === 'troupe_model_breaker')
        .map(({ labels, value }) => [labels.model ?? '', value === 0 ? 'closed' : value === 1 ? 'open' : 'half-open']),
    ),
  }
}
