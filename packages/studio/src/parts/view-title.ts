/** The name of what a view shows, for the title of the page: the address of a run or a thread has an id alone. */
import { createContext, useContext, useEffect } from 'react'

export const ViewTitleContext = createContext<(name: string | undefined) => void>(() => {})

/** Puts the name into the title of the page while the view shows it, in place of the id of the address. */
export function useViewTitle(name: string | undefined): void {
  const setName = useContext(ViewTitleContext)
  useEffect(() => {
    setName(name)
    return () => setName(undefined)
  }, [name, setName])
}
