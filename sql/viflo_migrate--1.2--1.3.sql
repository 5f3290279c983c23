/* sql/viflo_migrate--1.2--1.3.sql */

\echo Use "ALTER EXTENSION viflo_migrate UPDATE TO '1.3'" to load this file. \quit
