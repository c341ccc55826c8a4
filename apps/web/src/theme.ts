import { useEffect, useState } from 'preact/hooks';

const storageKey = 'forgelens-theme';
const preference = matchMedia('(prefers-color-scheme: dark)');

/** Dark or light: as the system prefers, unless the reader chose here. */
export function useTheme(): [isDark: boolean, setDark: (isDark: boolean) => void] {
  const [chosen, setChosen] = useState(() => localStorage.getItem(storageKey));
  const [prefersDark, setPrefersDark] = useState(preference.matches);
  useEffect(() => {
    const follow = () => setPrefersDark(preference.matches);
    preference.addEventListener('change', follow);
    return () => preference.removeEventListener('change', follow);
  }, []);
  const isDark = chosen === null ? prefersDark : chosen === 'dark';
  useEffect(() => {
    document.documentElement.style.colorScheme = isDark ? 'dark' : 'light';
  }, [isDark]);
  return [
    isDark,
    dark => {
      localStorage.setItem(storageKey, dark ? 'dark' : 'light');
      setChosen(dark ? 'dark' : 'light');
    },
  ];
}
