/** No file imports itself, however far around; imports of types count. Tarjan's strongly connected components. */
import type { Finding } from './finding.ts'
import { resolveImport, type Workspace } from './workspace.ts'

export function checkCycles(workspace: Workspace): Finding[] {
  const graph = new Map(
    [...workspace.sources.values()].map((file) => [
      file.path,
      file.imports.flatMap((found) => {
        const target = resolveImport(file.path, found.specifier)
        return target !== undefined && workspace.sources.has(target) ? [target] : []
      }),
    ]),
  )
  return components(graph)
    .filter(([first = '', ...rest]) => rest.length > 0 || graph.get(first)?.includes(first))
    .map((members) => {
      const loop = shortestLoop(graph, new Set(members))
      const [path = ''] = loop
      return { path, line: 1, rule: 'cycle', message: `import cycle: ${[...loop, path].join(' -> ')}` }
    })
}

function components(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const onStack = new Set<string>()
  const found: string[][] = []
  const connect = (node: string) => {
    index.set(node, index.size)
    low.set(node, index.get(node) as number)
    stack.push(node)
    onStack.add(node)
    for (const next of graph.get(node) ?? []) {
      if (!index.has(next)) connect(next)
      if (onStack.has(next)) low.set(node, Math.min(low.get(node) as number, low.get(next) as number))
    }
    if (low.get(node) !== index.get(node)) return
    const members = stack.splice(stack.indexOf(node))
    for (const member of members) onStack.delete(member)
    found.push(members.sort())
  }
  for (const node of graph.keys()) if (!index.has(node)) connect(node)
  return found
}

/** The way back to the first member, by breadth, so that the message shows the loop and not the whole tangle. */
function shortestLoop(graph: ReadonlyMap<string, readonly string[]>, members: ReadonlySet<string>): string[] {
  const [start = ''] = members
  const candidates: string[][] = [[start]]
  const seen = new Set<string>()
  for (const candidate of candidates) {
    for (const next of graph.get(candidate.at(-1) as string) ?? []) {
      if (next === start) return candidate
      if (!members.has(next) || seen.has(next)) continue
      seen.add(next)
      candidates.push([...candidate, next])
    }
  }
  return [start]
}
