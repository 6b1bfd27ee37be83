/** The size of classes: how many private members a class of the library has, parameter properties included. */
import type { Finding } from './finding.ts'
import { lineOf, type Node, type SourceFile, visit } from './source-file.ts'
import { inLibrary, isTest, type Workspace } from './workspace.ts'

/** Above it a class holds several things that each deserve a name. */
export const maxPrivateMembers = 15

export interface ClassSize {
  readonly name: string
  readonly line: number
  readonly members: number
}

export function checkClasses(workspace: Workspace): Finding[] {
  const files = [...workspace.sources.values()]
  return files.filter(({ path }) => inLibrary(path) !== undefined && !isTest(path)).flatMap(checkFile)
}

const checkFile = (file: SourceFile): Finding[] =>
  classSizes(file)
    .filter(({ members }) => members > maxPrivateMembers)
    .map(({ name, line, members }) => ({
      path: file.path,
      line,
      rule: 'class',
      message: `${name} has ${members} private members, at most ${maxPrivateMembers}: move what belongs together out`,
    }))

/** Each class of the file with the number of its private members. */
export function classSizes(file: SourceFile): readonly ClassSize[] {
  const sizes: ClassSize[] = []
  visit(file.program, (node) => {
    if (node.type !== 'ClassDeclaration' && node.type !== 'ClassExpression') return
    const members = (node.body.body as Node[]).reduce((sum, member) => sum + privateMembers(member), 0)
    sizes.push({ name: node.id?.name ?? '(class)', line: lineOf(file.text, node.start), members })
  })
  return sizes
}

/** A field, method or accessor counts if it is private; a constructor counts its private parameter properties. */
function privateMembers(member: Node): number {
  if (member.kind === 'constructor')
    return (member.value.params as Node[]).filter(
      ({ type, accessibility }) => type === 'TSParameterProperty' && accessibility === 'private',
    ).length
  return member.key?.type === 'PrivateIdentifier' || member.accessibility === 'private' ? 1 : 0
}
