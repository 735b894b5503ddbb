import { Anchor, Button, Menu, NavLink } from '@mantine/core';
import { createLink } from '@tanstack/react-router';

// Mantine's looks on the router's links, so that an address that does not exist does not compile.
export const LinkText = createLink(Anchor<'a'>);
export const LinkButton = createLink(Button<'a'>);
export const LinkMenuItem = createLink(Menu.Item<'a'>);
export const LinkNav = createLink(NavLink<'a'>);
