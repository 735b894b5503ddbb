import { Anchor, Button, type ButtonProps, Menu, type MenuItemProps, NavLink } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { ComponentPropsWithRef } from 'react';

// Mantine's looks on the router's links, so that an address that does not exist does not compile.

type LinkProps<Looks> = Looks & Omit<ComponentPropsWithRef<'a'>, keyof Looks>;

function ButtonAnchor(props: LinkProps<ButtonProps>) {
  return <Button component="a" {...props} />;
}

function MenuAnchor(props: LinkProps<MenuItemProps>) {
  return <Menu.Item component="a" {...props} />;
}

export const LinkText = createLink(Anchor<'a'>);
export const LinkButton = createLink(ButtonAnchor);
export const LinkMenuItem = createLink(MenuAnchor);
export const LinkNav = createLink(NavLink<'a'>);
