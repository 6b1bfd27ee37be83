/** Checks that the output of an agent fits the input of the next one, as far as both have a JSON Schema. */

import { jsonSchemaFor } from '../../core/index.ts'
import { carries, graphOf } from '../canonical/graph.ts'
import type { CompiledTopology } from '../define-topology.ts'
import type { Finding } from './finding.ts'

type Schema = { readonly [key: string]: unknown }
const isSchema = (value: unknown): value is Schema =>
  value !== null && typeof value === 'object' && !Array.isArray(value)

const typesOf = (schema: Schema): readonly string[] | undefined =>
  typeof schema.type === 'string' ? [schema.type] : Array.isArray(schema.type) ? (schema.type as string[]) : undefined

/**
 * Returns why no value of the first schema fits the second; undefined if a value may fit, or if this cannot be decided.
 */
export function misfit(actual: Schema, wanted: Schema, path = 'the value'): string | undefined {
  for (const key of ['anyOf', 'oneOf', 'allOf', '$ref', 'not']) if (key in actual || key in wanted) return undefined
  const [produced, wants] = [typesOf(actual), typesOf(wanted)]
  const fits = (g: string) =>
    wants?.includes(g) ||
    (g === 'integer' && wants?.includes('number')) ||
    (g === 'number' && wants?.includes('integer'))
  if (produced && wants && !produced.some(fits))
    return `${path} is ${produced.join(' or ')}, and ${wants.join(' or ')} is wanted`
  const properties = isSchema(actual.properties) ? actual.properties : undefined
  const wantedProperties = isSchema(wanted.properties) ? wanted.properties : {}
  const required = Array.isArray(wanted.required) ? (wanted.required as string[]) : []
  if (!properties) return undefined
  for (const name of required) {
    const own = properties[name]
    if (own === undefined && actual.additionalProperties !== false && 'additionalProperties' in actual) continue
    const inner = wantedProperties[name]
    if (own === undefined && isSchema(inner) && 'default' in inner) continue
    if (own === undefined) return `${path} has no ${name}, which is required`
    if (isSchema(own) && isSchema(inner)) {
      const problem = misfit(own, inner, `${path}.${name}`)
      if (problem) return problem
    }
  }
  return undefined
}

export function checkSchemas({ canonical, agents }: CompiledTopology): Finding[] {
  const graph = graphOf(canonical)
  const agentAt = (name: string) => agents.get(graph.nodes.get(name)?.agent ?? '')
  const findings: Finding[] = []
  for (const edge of graph.edges) {
    const target = graph.nodes.get(edge.to)
    const source = graph.nodes.get(edge.from)
    // A join receives `{ results }`, and an agent that invokes or queries others names each input itself. Only a value
    // passed along unchanged is checked.
    const along = source?.out.filter(carries) ?? []
    if (edge.type === 'query' || target?.kind !== 'agent' || target.isJoin || !(along.length === 1 || edge.fanOut))
      continue
    const [produced, wants] = [agentAt(edge.from)?.outputSchema, agentAt(edge.to)?.inputSchema]
    const actual = produced && jsonSchemaFor(produced, 'output')
    const wanted = wants && jsonSchemaFor(wants, 'input')
    const problem = actual && wanted && misfit(actual, wanted)
    if (!problem || target.out.some((back) => back.to === edge.from)) continue
    findings.push({
      code: 'schema.misfit',
      severity: 'error',
      location: `${edge.from} -> ${edge.to}`,
      message: `The output of ${edge.from} does not match the input schema of ${edge.to}: ${problem}`,
      remedy: `Change one of the two schemas, or add an agent between them that converts the value`,
    })
  }
  return findings
}
