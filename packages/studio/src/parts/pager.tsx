/** From page to page of a list, forth and back: the address holds the cursors of the pages before. */
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Button, Flex } from './ui.tsx'

interface PagerProps {
  /** The cursor of the next page. */
  readonly next: string | undefined
  readonly back: string
  readonly on: string
}

/** Tells that a page has not all of a list: the list has a page before it or one behind it. */
export const isPartOfList = (after: readonly string[] | undefined, next: string | undefined): boolean =>
  (after?.length ?? 0) > 0 || next !== undefined

export function Pager({ next, back, on }: PagerProps) {
  const { after = [] } = useSearch({ strict: false })
  const navigate = useNavigate()
  if (!isPartOfList(after, next)) return null
  const go = (cursors: readonly string[]) =>
    void navigate({ to: '.', search: (search) => ({ ...search, after: cursors }) })
  return (
    <Flex gap="2" mt="3">
      <Button look="soft" disabled={after.length === 0} onClick={() => go(after.slice(0, -1))}>
        {back}
      </Button>
      <Button look="soft" disabled={next === undefined} onClick={() => next && go([...after, next])}>
        {on}
      </Button>
    </Flex>
  )
}
