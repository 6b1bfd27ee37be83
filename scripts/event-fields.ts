/** The fields of each event, read from the sources of the interface `EventPayloads`. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'oxc-parser'

/** The interface and its base, and before them the types that their events share. */
const sources = ['event-fields.ts', 'run-event-payloads.ts', 'event-payloads.ts'].map((name) =>
  fileURLToPath(new URL(`../packages/troupe/src/core/events/${name}`, import.meta.url)),
)

export interface EventField {
  readonly name: string
  /** As TypeScript text. */
  readonly type: string
  readonly isOptional: boolean
  /** The doc comment of the field, on one line; empty where it has none. */
  readonly about: string
}

interface TypeNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly members?: readonly Member[]
  readonly types?: readonly TypeNode[]
  readonly typeName?: { readonly name: string }
}
interface Member {
  readonly start: number
  readonly key: { readonly name?: string; readonly value?: string }
  readonly optional: boolean
  readonly typeAnnotation: { readonly typeAnnotation: TypeNode }
}
interface Declaration {
  readonly type: string
  readonly id: { readonly name: string }
  readonly typeAnnotation: TypeNode
  readonly body: { readonly body: readonly Member[] }
}

/** The parsed sources: the members of `EventPayloads` and its base, the shared types by name, and the comment before a member. */
function parseEvents() {
  const text = sources.map((path) => readFileSync(path, 'utf8')).join('\n')
  const { program, comments } = parseSync('events.ts', text)
  const aliases = new Map<string, TypeNode>()
  const events: Member[] = []
  for (const statement of program.body as unknown as readonly ({
    readonly declaration?: Declaration
  } & Declaration)[]) {
    const declared = statement.declaration ?? statement
    if (declared.type === 'TSTypeAliasDeclaration') aliases.set(declared.id.name, declared.typeAnnotation)
    if (declared.type === 'TSInterfaceDeclaration') events.push(...declared.body.body)
  }
  const aboutOf = ({ start }: Member): string => {
    const comment = comments.find(({ end }) => end < start && text.slice(end, start).trim() === '')
    return comment
      ? comment.value
          .replaceAll(/^\s*\*+ ?/gm, '')
          .replaceAll(/\s+/g, ' ')
          .trim()
      : ''
  }
  return { text, aliases, events, aboutOf }
}

const nameOf = ({ key }: Member): string => key.value ?? key.name ?? ''

/** Returns the doc comment of each event. */
export function readEventDescriptions(): ReadonlyMap<string, string> {
  const { events, aboutOf } = parseEvents()
  return new Map(events.map((member) => [nameOf(member), aboutOf(member)]))
}

/** @throws Error for a form of type that it cannot read */
export function readEventFields(): ReadonlyMap<string, readonly EventField[]> {
  const { text, aliases, events, aboutOf } = parseEvents()
  const fieldOf = (member: Member): EventField => {
    const { start, end } = member.typeAnnotation.typeAnnotation
    const type = text.slice(start, end).replaceAll(/\s+/g, ' ').replace(/^\| /, '').replaceAll('readonly ', '')
    return { name: member.key.name ?? '', type, isOptional: member.optional, about: aboutOf(member) }
  }
  const fieldsOf = (node: TypeNode): readonly EventField[] => {
    if (node.type === 'TSTypeLiteral') return (node.members ?? []).map(fieldOf)
    if (node.type === 'TSIntersectionType') return (node.types ?? []).flatMap(fieldsOf)
    const alias = aliases.get(node.typeName?.name ?? '')
    if (alias) return fieldsOf(alias)
    throw new Error(`${sources.join(', ')}: cannot read the type ${text.slice(node.start, node.end)}`)
  }
  return new Map(
    events.map((member) => {
      const fields = new Map(fieldsOf(member.typeAnnotation.typeAnnotation).map((field) => [field.name, field]))
      return [nameOf(member), [...fields.values()]] as const
    }),
  )
}
