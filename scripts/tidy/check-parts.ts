/** The size of what constructors take: how many members an interface or type named `…Parts` of the library declares. */
import type { Finding } from './finding.ts'
import { lineOf, type Node, type SourceFile, visit } from './source-file.ts'
import { inLibrary, isTest, type Workspace } from './workspace.ts'

/** With more, a reader does not see which of them a class uses. */
export const maxParts = 6

/** Interfaces with more members, each with its reason. */
const exempt: ReadonlyMap<string, string> = new Map([
  ['TroupeParts', 'the groups of an open troupe; a function names those that it uses'],
  ['OrchestraParts', 'the groups of the engine; a function names those that it uses'],
  ['SessionParts', 'the ports come from six modules, and no two of them are used together'],
])

export function checkParts(workspace: Workspace): Finding[] {
  const files = [...workspace.sources.values()]
  return files.filter(({ path }) => inLibrary(path) !== undefined && !isTest(path)).flatMap(checkFile)
}

function checkFile({ path, text, program }: SourceFile): Finding[] {
  const findings: Finding[] = []
  visit(program, (node) => {
    if (node.type !== 'TSInterfaceDeclaration' && node.type !== 'TSTypeAliasDeclaration') return
    const name: string = node.id.name
    const members = membersOf(node.type === 'TSInterfaceDeclaration' ? node.body : node.typeAnnotation)
    if (!name.endsWith('Parts') || exempt.has(name) || members <= maxParts) return
    const message = `${name} has ${members} members, at most ${maxParts}: pass a group, or move some to the class that uses them`
    findings.push({ path, line: lineOf(text, node.start), rule: 'parts', message })
  })
  return findings
}

/** Counts the members that are declared here; those of other types that it names have their own declaration. */
function membersOf({ type, body, members, types }: Node): number {
  if (type === 'TSInterfaceBody') return body.length
  if (type === 'TSTypeLiteral') return members.length
  return type === 'TSIntersectionType' ? (types as Node[]).reduce((sum, part) => sum + membersOf(part), 0) : 0
}
