/** The size of classes: how many private members a class of the library has, parameter properties included. */
import { classExemptions, maxPrivateMembers } from './class-exemptions.ts'
import type { Finding } from './finding.ts'
import { lineOf, type Node, type SourceFile, visit } from './source-file.ts'
import { inLibrary, isTest, type Workspace } from './workspace.ts'

export interface ClassSize {
  readonly name: string
  readonly line: number
  readonly members: number
}

export function checkClasses(workspace: Workspace): Finding[] {
  return [...workspace.sources.values()].flatMap((file) => {
    const local = inLibrary(file.path)
    return local === undefined || isTest(file.path) ? [] : checkFile(file, local)
  })
}

function checkFile(file: SourceFile, local: string): Finding[] {
  const sizes = classSizes(file)
  const exemptions = classExemptions.filter(({ at }) => at === local)
  const finding = (line: number, message: string): Finding => ({ path: file.path, line, rule: 'class', message })
  const tooLarge = sizes.flatMap(({ name, line, members }) => {
    const limit = exemptions.find((exemption) => exemption.name === name)?.members ?? maxPrivateMembers
    if (members <= limit) return []
    return [finding(line, `${name} has ${members} private members, at most ${limit}: move what belongs together out`)]
  })
  const outdated = exemptions.flatMap(({ name, members }) => {
    const found = sizes.find((size) => size.name === name)
    if (found && found.members >= members) return []
    const problem = found
      ? found.members > maxPrivateMembers
        ? `${name} has ${found.members} private members now: lower its exemption from ${members}`
        : `${name} has ${found.members} private members now: remove its exemption`
      : `the file has no class ${name}: remove its exemption`
    return [finding(found?.line ?? 1, problem)]
  })
  return [...tooLarge, ...outdated]
}

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
